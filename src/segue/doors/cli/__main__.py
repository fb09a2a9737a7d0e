"""`python -m segue.doors.cli`: how Segue begins itself, wherever its script was installed."""

import sys

from segue.doors.cli.main import main

if __name__ == "__main__":
    sys.argv[0] = "segue"
    main()
