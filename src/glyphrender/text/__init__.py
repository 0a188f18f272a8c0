"""What the characters are: source text, Unicode properties, and the rules of UAX #9, #14, #24 and #29."""
