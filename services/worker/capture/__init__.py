"""ffmpeg's runs, and the parts of a session that they make."""
