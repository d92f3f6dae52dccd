.PHONY: help setup demo test test-all lint browser clean
help:            ## show this
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14
setup:           ## make the environment in .venv
	@tools/setup
demo: setup      ## invent an operator, bring it in, bill it, prove it; ends with the desk open (CUSTOMERS=2000)
	@.venv/bin/hoeksteen demo --customers $(or $(CUSTOMERS),2000)
