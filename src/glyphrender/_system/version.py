"""The version of the package, in a module that imports nothing.

`glyphrender.__version__` is the same string. Modules inside the package read it from here, because importing the
package itself from within would be a cycle.
"""

__version__ = "0.1.0"
