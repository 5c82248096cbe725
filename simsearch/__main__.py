"""python -m simsearch"""

from simsearch.cli.main import main

if __name__ == "__main__":
    main()
