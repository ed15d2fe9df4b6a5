# examples/: a folder each, with its program, data, run.yaml and README.md, which is run as a test.
