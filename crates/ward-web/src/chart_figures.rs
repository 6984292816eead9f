//! The chart's own figures for Prometheus.

use std::fmt::Write as _;

use ward_store::Figures;

/// Lines for Prometheus: numbers of the whole chart, nothing of a patient.
pub(crate) fn page(figures: &Figures) -> String {
    let units = "Units in durable batches since the start; divided by the batches, how many share \
                 one flush.";
    let lines: [(&str, &str, &str, u64); 18] = [
        (
            "ward_searchable_commit",
            "gauge",
            "Last commit that searches see.",
            figures.searchable_seq,
        ),
        ("ward_record_versions", "gauge", "Record versions in truth.", figures.versions),
        ("ward_audit_entries", "gauge", "Entries of the audit log.", figures.audit_entries),
        ("ward_batches_total", "counter", "Durable batches since the start.", figures.batches),
        ("ward_units_total", "counter", units, figures.units),
        (
            "ward_batches_failed_total",
            "counter",
            "Batches the disk refused.",
            figures.batches_failed,
        ),
        ("ward_units_waiting", "gauge", "Units that wait for the writer.", figures.units_waiting),
        ("ward_commands_waiting", "gauge", "Commands in the queue.", figures.commands_waiting),
        ("ward_commands_leased", "gauge", "Commands being worked on.", figures.commands_leased),
        ("ward_commands_dead", "gauge", "Commands for a person to look at.", figures.commands_dead),
        (
            "ward_messages_dead",
            "gauge",
            "Messages of interfaces that were given up, for a person to look at.",
            figures.messages_dead,
        ),
        (
            "ward_messages_quarantined",
            "gauge",
            "Bytes set aside that were no message, for a person to look at.",
            figures.messages_quarantined,
        ),
        (
            "ward_messages_waiting",
            "gauge",
            "Messages that wait to go out.",
            figures.messages_waiting,
        ),
        ("ward_row_cache_bytes", "gauge", "Sealed rows kept in memory.", figures.cached_bytes),
        ("ward_row_cache_hits_total", "counter", "Rows found in memory.", figures.cache_hits),
        ("ward_row_cache_misses_total", "counter", "Rows read from disk.", figures.cache_misses),
        ("ward_index_layers", "gauge", "Layers of the index in memory.", figures.index_layers),
        ("ward_index_runs", "gauge", "Number of the index's last run to disk.", figures.index_runs),
    ];
    let mut page = String::new();
    for (name, kind, help, value) in lines {
        // Writing to a String cannot fail.
        let _ok = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_says_what_it_is() {
        let page = page(&Figures { units: 7, ..Figures::default() });
        for lines in page.lines().collect::<Vec<_>>().chunks(3) {
            let [help, kind, value] = lines else { panic!("{lines:?}") };
            let name = value.split(' ').next().unwrap();
            assert!(help.starts_with(&format!("# HELP {name} ")) && help.ends_with('.'), "{help}");
            let is_counter = kind.ends_with(" counter");
            assert!(kind.starts_with(&format!("# TYPE {name} ")), "{kind}");
            assert_eq!(is_counter, name.ends_with("_total"), "{name}");
        }
        assert!(page.contains("\nward_units_total 7\n"));
    }
}
