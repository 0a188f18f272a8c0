"""Configurations of models, one JSON file each. README.md says where every value comes from."""
