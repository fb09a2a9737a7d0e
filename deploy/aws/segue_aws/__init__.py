"""The stacks of Segue on AWS, one file each."""
