# examples/: a folder each, with its program, data, run.yaml and README.md, which is run as a test.
EXTRA_DIST += %D%/fx %D%/flights %D%/terrain %D%/life
