"""What a listening history says of its listener: sums, rankings, rhythms, drift; and pictures."""
