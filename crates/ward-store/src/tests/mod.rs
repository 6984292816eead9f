//! Tests over an open chart.
