"""What every service needs to run: settings, logging, a clean stop, an HTTP server."""
