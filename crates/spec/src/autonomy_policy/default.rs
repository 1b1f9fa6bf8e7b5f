//! The default policy.

use super::{AutonomyNeeds, AutonomyPolicy, AutonomyRule, AutonomyRules};

impl Default for AutonomyPolicy {
    /// The policy that `docs/autonomy.md` gives reasons for.
    fn default() -> Self {
        const fn needs(success: f64, repeated: f64, invisible: Option<f64>) -> AutonomyNeeds {
            AutonomyNeeds::new(success, Some(repeated), invisible)
        }
        const fn gated(success: f64, invisible: Option<f64>) -> AutonomyNeeds {
            AutonomyNeeds::new(success, None, invisible)
        }
        const fn rule(
            delegate: Option<AutonomyNeeds>,
            spot_check: Option<AutonomyNeeds>,
            gated: Option<AutonomyNeeds>,
        ) -> AutonomyRule {
            AutonomyRule { delegate, spot_check, gated }
        }
        Self {
            confidence: 0.95,
            repeats: 5,
            low: AutonomyRules {
                full: rule(
                    Some(needs(0.80, 0.50, None)),
                    Some(needs(0.70, 0.40, None)),
                    Some(gated(0.50, None)),
                ),
                partial: rule(
                    Some(needs(0.85, 0.60, Some(0.10))),
                    Some(needs(0.75, 0.45, Some(0.15))),
                    Some(gated(0.50, Some(0.30))),
                ),
                low: rule(Some(needs(0.90, 0.75, Some(0.05))), Some(needs(0.80, 0.50, Some(0.10))), None),
            },
            medium: AutonomyRules {
                full: rule(
                    Some(needs(0.90, 0.75, None)),
                    Some(needs(0.80, 0.50, None)),
                    Some(gated(0.50, None)),
                ),
                partial: rule(
                    Some(needs(0.95, 0.85, Some(0.04))),
                    Some(needs(0.85, 0.60, Some(0.08))),
                    Some(gated(0.60, Some(0.20))),
                ),
                low: rule(Some(needs(0.98, 0.95, Some(0.02))), Some(needs(0.90, 0.75, Some(0.05))), None),
            },
            high: AutonomyRules {
                full: rule(
                    Some(needs(0.95, 0.85, None)),
                    Some(needs(0.90, 0.75, None)),
                    Some(gated(0.60, None)),
                ),
                partial: rule(
                    Some(needs(0.99, 0.97, Some(0.01))),
                    Some(needs(0.95, 0.85, Some(0.03))),
                    Some(gated(0.75, Some(0.10))),
                ),
                low: rule(None, Some(needs(0.98, 0.95, Some(0.02))), None),
            },
        }
    }
}
