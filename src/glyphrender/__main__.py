"""`python -m glyphrender`."""

from glyphrender.cli import main

if __name__ == "__main__":
    main()
