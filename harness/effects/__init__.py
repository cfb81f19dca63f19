"""What touches the world: child processes, environments of OpenCV releases, files, stores.

No opinions: what a child or a disk said is handed on whole. Imports the words of `harness` and `pure`.
"""
