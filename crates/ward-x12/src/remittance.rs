//! 835: what was paid, for which claims, and why not the rest.

use ward_core::Amount;

use crate::{party::Party, segment::Segment, separators::Separators};

pub const VERSION: &str = "005010X221A1";

/// One payment.
///
/// - Source: 835 as 005010X221A1.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Remittance {
    /// BPR02.
    pub paid: Amount,
    /// BPR03: `C` when money comes, `D` when it is taken back.
    pub is_credit: bool,
    /// BPR04, such as `ACH`, `CHK` or `NON`.
    pub method: String,
    /// BPR16, eight digits.
    pub date: Option<String>,
    /// TRN02: the number of the payment.
    pub trace: String,
    pub payer: Party,
    pub payee: Party,
    pub claims: Vec<PaidClaim>,
    /// Amounts of no claim (PLB): reason and amount; positive is taken off.
    pub provider_adjustments: Vec<(String, Amount)>,
    /// Whether an amount could not be read.
    pub has_bad_amount: bool,
}

/// What was paid for one claim.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PaidClaim {
    /// CLP01: CLM01 of what we sent.
    pub number: String,
    /// CLP02: `1` processed as primary, `4` denied, `22` reversal.
    pub status: String,
    pub charged: Amount,
    pub paid: Amount,
    pub patient_pays: Amount,
    /// CLP07: the payer's number.
    pub payer_number: Option<String>,
    pub adjustments: Vec<Adjustment>,
    pub lines: Vec<PaidLine>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PaidLine {
    /// SVC01-2, or the revenue code.
    pub code: String,
    pub charged: Amount,
    pub paid: Amount,
    pub adjustments: Vec<Adjustment>,
}

/// What was not paid, and why.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Adjustment {
    /// CAS01: `CO` contract, `PR` patient, `OA` other, `PI` payer.
    pub group: String,
    /// A claim adjustment reason code.
    pub reason: String,
    pub amount: Amount,
}

impl PaidClaim {
    /// Whether charge, adjustments and payment agree.
    ///
    /// - Source: 835 as 005010X221A1, balancing of claims.
    pub fn balances(&self) -> bool {
        let own = self.adjustments.iter().map(|it| it.amount);
        let lines = self.lines.iter().flat_map(|it| &it.adjustments).map(|it| it.amount);
        self.charged.minus(own.chain(lines).sum()) == self.paid
    }
}

impl Remittance {
    /// Whether the payment is the sum of its claims.
    pub fn balances(&self) -> bool {
        let claims: Amount = self.claims.iter().map(|it| it.paid).sum();
        let adjusted: Amount = self.provider_adjustments.iter().map(|(_, amount)| *amount).sum();
        let paid = if self.is_credit { self.paid } else { -self.paid };
        claims.minus(adjusted) == paid
    }
}

/// Reads an 835; `None` when it is no payment.
pub fn remittance(segments: &[Segment], separators: &Separators) -> Option<Remittance> {
    let bpr = segments.iter().find(|it| &*it.tag == "BPR")?;
    let mut told = Remittance {
        is_credit: bpr.element(3) != "D",
        method: bpr.element(4).to_owned(),
        date: bpr.text(16),
        ..Remittance::default()
    };
    let mut is_bad = false;
    let mut amount = |text: &str| {
        let amount = if text.is_empty() { Ok(Amount::ZERO) } else { text.parse() };
        is_bad |= amount.is_err();
        amount.unwrap_or_default()
    };
    told.paid = amount(bpr.element(2));
    for segment in segments {
        match (&*segment.tag, told.claims.last_mut()) {
            ("TRN", None) => told.trace = segment.element(2).to_owned(),
            ("N1", None) => {
                let party = Party {
                    name: segment.text(2).unwrap_or_default(),
                    id: segment.text(3).zip(segment.text(4)),
                    ..Party::default()
                };
                match segment.element(1) {
                    "PR" => told.payer = party,
                    "PE" => told.payee = party,
                    _ => {}
                }
            }
            ("CLP", _) => told.claims.push(PaidClaim {
                number: segment.element(1).to_owned(),
                status: segment.element(2).to_owned(),
                charged: amount(segment.element(3)),
                paid: amount(segment.element(4)),
                patient_pays: amount(segment.element(5)),
                payer_number: segment.text(7),
                ..PaidClaim::default()
            }),
            ("SVC", Some(claim)) => {
                let code = segment.component(1, 2, separators).to_owned();
                claim.lines.push(PaidLine {
                    code: if code.is_empty() { segment.element(4).to_owned() } else { code },
                    charged: amount(segment.element(2)),
                    paid: amount(segment.element(3)),
                    adjustments: Vec::new(),
                });
            }
            ("CAS", Some(claim)) => {
                let adjustments = claim.lines.last_mut().map(|it| &mut it.adjustments);
                let adjustments = adjustments.unwrap_or(&mut claim.adjustments);
                for n in (2..=segment.elements.len()).step_by(3) {
                    if !segment.element(n).is_empty() {
                        adjustments.push(Adjustment {
                            group: segment.element(1).to_owned(),
                            reason: segment.element(n).to_owned(),
                            amount: amount(segment.element(n + 1)),
                        });
                    }
                }
            }
            ("PLB", _) => {
                for n in (3..=segment.elements.len()).step_by(2) {
                    let reason = segment.component(n, 1, separators).to_owned();
                    told.provider_adjustments.push((reason, amount(segment.element(n + 1))));
                }
            }
            _ => {}
        }
    }
    told.has_bad_amount = is_bad;
    Some(told)
}
