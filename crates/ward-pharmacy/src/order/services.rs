//! Services of others, asked when an order is signed here.

use serde_json::Value;
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, ResourceType};
use ward_policy::Action;
use ward_rules::medication::{Issue, Tier, issue::NotCheckable};
use ward_store::{Interaction, values};

use super::{
    acts::active,
    commit::{Pharmacy, whole},
    error::MedsError,
    kept::{OrderKept, OrderRequest},
};
use crate::{
    cds::{answer::gathered_of, remote::Question, services::Hook},
    checker::{CheckError, Found},
    checks::found,
};

impl Pharmacy {
    /// What services say of an order that is about to be signed; `None` when none is set up.
    ///
    /// Nothing is held while they answer, and nothing is written yet: the signature is checked
    /// against the chart as it is then.
    ///
    /// - Shape: a service that gives no answer in its time is a finding "not checkable", which
    ///   keeps nobody from signing.
    /// - Audit: `read` of the patient.
    pub(super) async fn ask_services(
        &self,
        cx: &Ctx,
        id: &FhirId,
        request: &OrderRequest,
        action: Action,
    ) -> Result<Option<Vec<Found>>, MedsError> {
        if !self.remotes.is_for(Hook::OrderSign) {
            return Ok(None);
        }
        let patient = request.check()?;
        self.may(cx, (action, ResourceType::MEDICATION_REQUEST), &patient)?;
        let kept = OrderKept::new(request.clone(), cx);
        let drafts: [Value; 1] = [active(id, &patient, &kept)];
        let whole = whole(cx);
        let key = values::key(ResourceType::PATIENT, &patient);
        let act = Interaction::on(AuditAction::Read, key)
            .with_detail("medication check by services".to_owned());
        let reader = self.chart().reader(&whole, act);
        let gathered = gathered_of(&reader, &patient, &drafts, cx.now);
        let outcome = match gathered {
            Ok(_) => AuditOutcome::Success,
            Err(_) => AuditOutcome::MinorFailure,
        };
        reader.finish(outcome).await?;
        let gathered = gathered.map_err(CheckError::from)?;
        let now = cx.now.to_string();
        let instance = self.chart().derived_id(&["cds-call", id.as_str(), &now]);
        let (user, encounter) = (cx.actor.id.to_string(), kept.encounter());
        let issues = self.remotes.ask(Question {
            hook: Hook::OrderSign,
            instance: instance.as_str(),
            user: &user,
            patient: patient.as_str(),
            encounter: encounter.as_ref().map(FhirId::as_str),
            drafts: &drafts,
            gathered: &gathered,
        });
        Ok(Some(issues.await.iter().map(of_service).collect()))
    }
}

fn of_service(issue: &Issue) -> Found {
    let service = Some(issue.rule.knowledge_base.clone());
    let tier = match issue.why {
        Some(NotCheckable::RemoteService) => Tier::Passive,
        _ => issue.tier,
    };
    Found { service, tier, ..found(issue) }
}
