"""What answers the ports: state, objects and launched workers; foreign errors become ours here."""
