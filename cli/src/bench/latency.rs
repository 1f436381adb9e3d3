//! Latencies, kept in a histogram with three digits: percentiles are of all values, not of a sample.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies from a microsecond to an hour.
pub(super) struct Latencies(Histogram<u64>);

/// What a report shows of them; milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) min: f64,
    pub(super) mean: f64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

const LONGEST_NANOS: u64 = 3_600_000_000_000;

impl Latencies {
    pub(super) fn new() -> Self {
        Self(Histogram::new_with_bounds(1_000, LONGEST_NANOS, 3).expect("the bounds are in order"))
    }

    pub(super) fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(LONGEST_NANOS);
        self.0.saturating_record(nanos.clamp(1_000, LONGEST_NANOS));
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub(super) fn summary(&self) -> Summary {
        let milliseconds = |nanos: u64| nanos as f64 / 1e6;
        let quantile = |quantile| milliseconds(self.0.value_at_quantile(quantile));
        Summary {
            count: self.0.len(),
            min: milliseconds(self.0.min()),
            mean: self.0.mean() / 1e6,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: milliseconds(self.0.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_three_digits() {
        let mut latencies = Latencies::new();
        for millisecond in 1..=1000 {
            latencies.record(Duration::from_millis(millisecond));
        }
        let summary = latencies.summary();
        assert_eq!(summary.count, 1000);
        assert!((summary.p50 - 500.0).abs() < 1.0, "{summary:?}");
        assert!((summary.p99 - 990.0).abs() < 1.0, "{summary:?}");
        assert!((summary.max - 1000.0).abs() < 1.0, "{summary:?}");
    }
}
