"""The way of files into the store: lanes, playlists, the manifest."""
