"""`python -m msgcenter` is `msgcenter`."""

from msgcenter.cli import main

if __name__ == "__main__":
    main()
