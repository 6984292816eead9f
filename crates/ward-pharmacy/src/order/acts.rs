//! What people do with an order: draft, sign, verify, send back, hold, resume, stop.

use serde::Deserialize;
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, ResourceType, Role};
use ward_policy::Action;
use ward_rules::{
    medication::{Tier, issue::OverrideReason},
    medication_order::{
        Quantity,
        order::{Effect, Event, State},
    },
};
use ward_store::{
    Interaction,
    values::{self, put},
    workflow::own_read,
};

use super::{
    commit::{Act, Pharmacy, Second, whole},
    error::MedsError,
    fhir, flow,
    kept::{Chosen, OrderKept, OrderRequest, Overridden},
};
use crate::{
    cds::services::Hook,
    checker::{CheckError, Checked, Found},
    stock::{self, ProductKept},
};

/// Why somebody goes on in spite of a finding.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Override {
    /// The finding's key.
    pub key: String,
    /// One of the coded reasons.
    pub reason: String,
    pub text: Option<String>,
}

/// What the pharmacist says when an order is verified.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// Id of the product in the stock.
    pub product: String,
    /// So much of it is one dose.
    pub per_dose: Quantity,
    /// Why it is another drug than was ordered.
    pub substitution: Option<String>,
    #[serde(default)]
    pub overrides: Vec<Override>,
}

const ORDERS: (Action, ResourceType) = (Action::Update, ResourceType::MEDICATION_REQUEST);

/// Who may agree to what a hard stop speaks against.
const AGREE: &[Role] = &[Role::Physician, Role::Pharmacist];

impl Pharmacy {
    /// Drafts an order and checks it; signs it in the same commit when `signs` is there.
    ///
    /// - Shape: the same `id` is the same order; a second time it is answered as it stands.
    /// - Errors: [`MedsError::Unsettled`] with everything that has to be answered for first;
    ///   nothing is kept then of an order that was to be signed.
    /// - Audit: `operation` on the MedicationRequest.
    pub async fn order(
        &self,
        cx: &Ctx,
        id: &FhirId,
        request: &OrderRequest,
        signs: Option<&[Override]>,
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        let key = values::key(ResourceType::MEDICATION_REQUEST, id);
        if self.chart().current(&key)?.is_some() {
            let (before, _) = self.read(cx, id).await?;
            let why = "is taken by another order";
            let taken = MedsError::Request { place: "Idempotency-Key", why };
            // When it begins is said by the signature, where the request does not.
            let start = request.start.or(before.request.start);
            let same = OrderRequest { start, ..request.clone() };
            return if before.request == same { Ok(before) } else { Err(taken) };
        }
        let services = match signs {
            Some(_) => self.ask_services(cx, id, request, Action::Create).await?,
            None => None,
        };
        self.begin(cx, (id, request), second, |act| {
            act.step(Event::Check)?;
            act.check_beside(services.as_deref())?;
            match signs {
                Some(overrides) => act.sign(overrides),
                None => Ok(()),
            }
        })
        .await
    }

    /// Signs an order that was checked; it is checked again as the patient is now.
    pub async fn sign(
        &self,
        cx: &Ctx,
        id: &FhirId,
        overrides: &[Override],
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        let services = match self.remotes.is_for(Hook::OrderSign) {
            true => {
                let (kept, _) = self.read(cx, id).await?;
                self.ask_services(cx, id, &kept.request, Action::Update).await?
            }
            false => None,
        };
        let done = self.act(cx, (id, "sign"), ORDERS, second, |act| {
            act.check_beside(services.as_deref())?;
            act.sign(overrides)
        });
        done.await.map(|((), kept)| kept)
    }

    /// Writes a draft anew.
    pub async fn revise(
        &self,
        cx: &Ctx,
        id: &FhirId,
        request: &OrderRequest,
    ) -> Result<OrderKept, MedsError> {
        let patient = request.check()?;
        let done = self.act(cx, (id, "revise"), ORDERS, None, |act| {
            if patient != act.patient {
                let why = "cannot be changed: make another order";
                return Err(MedsError::Request { place: "patient", why });
            }
            act.step(Event::Revise)?;
            act.kept.request = request.clone();
            (act.kept.chosen, act.kept.why) = (None, None);
            // What services said was of another order.
            act.kept.found.clear();
            act.step(Event::Check)?;
            act.check()
        });
        done.await.map(|((), kept)| kept)
    }

    /// The pharmacist has looked at the order and says what is given for it.
    pub async fn verify(
        &self,
        cx: &Ctx,
        id: &FhirId,
        said: &Verification,
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        let done = self.act(cx, (id, "verify"), ORDERS, second, |act| {
            act.step(Event::Verify)?;
            act.check()?;
            act.settle(&said.overrides, "verify")?;
            act.choose(said)?;
            (act.kept.verified_by, act.kept.verified_at) = (Some(act.by()), Some(act.now()));
            act.kept.why = None;
            Ok(())
        });
        done.await.map(|((), kept)| kept)
    }

    /// Sends an order back, puts it on hold, takes it up again, or ends it.
    ///
    /// - Shape: `event` is one of reject, hold, resume, stop, cancel and complete.
    pub async fn change(
        &self,
        cx: &Ctx,
        id: &FhirId,
        (event, why): (Event, &str),
        overrides: &[Override],
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        let needs_why = !matches!(event, Event::Resume | Event::Complete);
        if needs_why && why.trim().is_empty() {
            return Err(MedsError::Request { place: "reason", why: "says why" });
        }
        let done = self.act(cx, (id, event.as_str()), ORDERS, second, |act| {
            let effects = act.step(event)?;
            act.kept.why = Some(why.trim().to_owned()).filter(|why| !why.is_empty());
            if effects.contains(&Effect::Recheck) {
                act.check()?;
                act.settle(overrides, event.as_str())?;
            }
            if matches!(act.kept.state, State::Draft | State::Signed) {
                (act.kept.verified_by, act.kept.verified_at) = (None, None);
            }
            if effects.contains(&Effect::AskForReturn) {
                act.ask_for_return()?;
            }
            Ok(())
        });
        done.await.map(|((), kept)| kept)
    }

    /// What would speak against orders, without keeping anything of it.
    ///
    /// - Audit: `read` of the patient.
    pub async fn preview(
        &self,
        cx: &Ctx,
        requests: &[OrderRequest],
    ) -> Result<Vec<Checked>, MedsError> {
        let Some(first) = requests.first() else { return Ok(Vec::new()) };
        let patient = first.check()?;
        let mut proposed = Vec::with_capacity(requests.len());
        for (n, request) in requests.iter().enumerate() {
            if request.check()? != patient {
                let why = "is the same in all orders";
                return Err(MedsError::Request { place: "patient", why });
            }
            let Ok(id) = format!("proposed-{n}").parse::<FhirId>() else { continue };
            proposed.push(active(&id, &patient, &OrderKept::new(request.clone(), cx)));
        }
        self.may(cx, (Action::Read, ResourceType::MEDICATION_REQUEST), &patient)?;
        let whole = whole(cx);
        let key = values::key(ResourceType::PATIENT, &patient);
        let act =
            Interaction::on(AuditAction::Read, key).with_detail("medication check".to_owned());
        let reader = self.chart().reader(&whole, act);
        let checked = self.checker.check(&reader, &patient, &proposed, cx.now);
        reader.finish(AuditOutcome::Success).await?;
        Ok(checked?)
    }
}

/// An order as it would be if it were signed.
pub(super) fn active(id: &FhirId, patient: &FhirId, kept: &OrderKept) -> Value {
    let mut resource = fhir::request(id, patient, kept);
    put(&mut resource, "id", json!(id.as_str()));
    put(&mut resource, "status", json!("active"));
    resource
}

impl Act<'_> {
    fn sign(&mut self, overrides: &[Override]) -> Result<(), MedsError> {
        self.step(Event::Sign)?;
        self.kept.signed_at = Some(self.now());
        self.kept.ordered_by = self.by();
        self.kept.why = None;
        if self.kept.request.start.is_none() {
            self.kept.request.start = Some(self.now());
        }
        self.settle(overrides, "sign")
    }

    fn choose(&mut self, said: &Verification) -> Result<(), MedsError> {
        if said.per_dose.is_zero() {
            return Err(MedsError::Request { place: "perDose", why: "is more than 0" });
        }
        let key = stock::key_of(&said.product)?;
        let (product, _) =
            own_read::<ProductKept>(self.reader, &key)?.ok_or(MedsError::NotFound)?;
        let why = said.substitution.as_ref().filter(|why| !why.trim().is_empty());
        if why.is_none() && !product.is_for(&self.kept.request.medication) {
            let why = "is another drug than was ordered: say why in `substitution`";
            return Err(MedsError::Request { place: "product", why });
        }
        let is_high_alert =
            product.is_high_alert || self.pharmacy.settings.is_high_alert(&self.kept.request);
        self.kept.chosen = Some(Chosen {
            product: said.product.clone(),
            name: product.name.clone(),
            per_dose: said.per_dose,
            unit: product.unit.clone(),
            is_high_alert,
            schedule: product.schedule.map(|it| format!("{it:?}")),
            is_compounded: product.is_compounded,
            substitution: why.cloned(),
        });
        Ok(())
    }

    pub(crate) fn ask_for_return(&mut self) -> Result<(), MedsError> {
        if self.kept.supply.on_ward().is_zero() {
            return Ok(());
        }
        let task = self.derived(&["medication-return", self.id.as_str()]);
        let body = flow::return_task(self.id, self.patient.as_str(), self.now());
        self.put(ResourceType::TASK, &task, &body)
    }

    /// Checks the order as the patient is now. What is found replaces what was found before; what
    /// services of others said at the signature stays.
    pub(crate) fn check(&mut self) -> Result<(), MedsError> {
        self.check_beside(None)
    }

    /// The same, with what services of others say now.
    fn check_beside(&mut self, services: Option<&[Found]>) -> Result<(), MedsError> {
        let of_service = |it: &&Found| it.service.is_some();
        let said: Vec<Found> = match services {
            Some(said) => said.to_vec(),
            None => self.kept.found.iter().filter(of_service).cloned().collect(),
        };
        let proposed = [active(self.id, &self.patient, &self.kept)];
        let (reader, now) = (self.reader, self.now());
        let checked = self.pharmacy.checker.check(reader, &self.patient, &proposed, now)?;
        // No answer is not the same as nothing found.
        let none = || Checked { found: vec![Found::no_knowledge_base()], knowledge_base: None };
        let checked = checked.into_iter().next().unwrap_or_else(none);
        self.kept.found = checked.found;
        self.kept.found.extend(said);
        self.kept.knowledge_base = checked.knowledge_base;
        self.kept.checked_at = Some(now);
        Ok(())
    }

    /// Has everything that was found answered for, and writes it down.
    ///
    /// - Errors: [`MedsError::Unsettled`] with what is not; a hard stop without a second person.
    pub(crate) fn settle(&mut self, overrides: &[Override], when: &str) -> Result<(), MedsError> {
        let loud: Vec<Found> = self.loud().cloned().collect();
        let mut open = Vec::new();
        for found in loud {
            let Some(told) = overrides.iter().find(|it| it.key == found.key) else {
                open.push(found);
                continue;
            };
            let reason = OverrideReason::of_code(&told.reason).ok_or(MedsError::Request {
                place: "overrides.reason",
                why: "is none of the coded reasons",
            })?;
            let text = told.text.clone().filter(|text| !text.trim().is_empty());
            if reason.needs_text() && text.is_none() {
                let why = "is asked for with this reason";
                return Err(MedsError::Request { place: "overrides.text", why });
            }
            let second = match found.tier {
                Tier::HardStop => Some(self.second(
                    AGREE,
                    "a hard stop is passed only when a second physician or pharmacist agrees",
                )?),
                _ => None,
            };
            self.kept.overridden.push(Overridden {
                key: found.key,
                rule: found.rule,
                tier: found.tier.name().to_owned(),
                reason: reason.code().to_owned(),
                text,
                by: self.by(),
                second,
                at: self.now(),
                when: when.to_owned(),
            });
        }
        if !open.is_empty() {
            return Err(MedsError::Unsettled(open));
        }
        self.put_issues()
    }

    /// What was found and nobody has answered for on these grounds.
    pub(crate) fn loud(&self) -> impl Iterator<Item = &Found> {
        let is_told = |found: &Found| self.kept.overridden.iter().any(|it| it.key == found.key);
        self.kept.found.iter().filter(move |it| Tier::Interruptive <= it.tier && !is_told(it))
    }

    /// A DetectedIssue for each finding that has none yet, or was answered for just now.
    pub(crate) fn put_issues(&mut self) -> Result<(), MedsError> {
        for found in self.kept.found.clone() {
            if found.tier == Tier::Log {
                continue;
            }
            let id = self.derived(&["medication-issue", self.id.as_str(), &found.key]);
            let key = values::key(ResourceType::DETECTED_ISSUE, &id);
            let overridden = self.kept.overridden.iter().rfind(|it| it.key == found.key).cloned();
            let is_new = overridden.as_ref().is_some_and(|it| it.at == self.now());
            if !is_new && !self.is_new() && self.pharmacy.chart().current(&key)?.is_some() {
                continue;
            }
            let issue = fhir::issue(self.id, &self.patient, &found, overridden.as_ref(), self.cx);
            self.put(ResourceType::DETECTED_ISSUE, &id, &issue)?;
        }
        Ok(())
    }
}

impl From<CheckError> for MedsError {
    fn from(error: CheckError) -> MedsError {
        match error {
            CheckError::Read(error) => MedsError::Read(error),
            CheckError::Search(error) => MedsError::Search(error),
        }
    }
}
