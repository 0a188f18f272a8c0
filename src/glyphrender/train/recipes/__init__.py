"""The bundled recipes, one TOML file each, as `Recipe.load` finds them by name."""
