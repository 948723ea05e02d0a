"""Global fits: links between regions of a sample and between samples."""
