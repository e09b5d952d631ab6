"""What the gateway kept while no worker listened: fetched, captured as parts of its own, joined to the live pull."""
