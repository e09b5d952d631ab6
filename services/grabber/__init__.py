"""One picture of any address: a program for each request, in a sandbox."""
