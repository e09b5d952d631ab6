"""streamkeep keeps what a live stream showed."""
