"""What an operator runs by hand: take state out, put it in, make the table and the bucket."""
