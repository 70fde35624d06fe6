"""The runner: it plays the scenarios with a driver, whatever language that is written in."""
