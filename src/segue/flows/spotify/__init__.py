"""What Segue does with a Spotify account: sign in, collect, listen."""
