"""`python -m hoeksteen` is the command line."""

from hoeksteen.interfaces.cli.main import main

main()
