//! Vignettes, lists and properties.
