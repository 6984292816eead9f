// Care plans: what is proposed, what was taken up, and a plan of the house applied by hand.
import { Alert, Badge, Button, Modal, Select } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { type Concept, type Reference, type Resource, call, get, search, words } from "../../api";
import type { Me } from "../../app";
import { type Word, useWords } from "../../words";
import { Failed, Section, Waiting, useAgain, useOf } from "../parts";
import { put } from "./personpanel";

type CarePlan = Resource & {
  status?: string; title?: string; created?: string; goal?: Reference[]; contained?: Resource[];
  activity?: { reference?: Reference; detail?: { status?: string; description?: string } }[];
};
type Request = Resource & { status?: string; code?: Concept; intent?: string };
type Group = Resource & { action?: Action[] };
type Action = { title?: string; resource?: Reference; action?: Action[]; condition?: unknown[] };
type Goal = Resource & { description?: Concept; lifecycleStatus?: string };

export function CarePlans({ id, me, encounter }: { id: string; me: Me; encounter?: string }) {
  const { say, time } = useWords();
  const plans = useOf<CarePlan>(id, "CarePlan?_sort=-date&_count=50");
  const orders = useOf<Request>(id, "ServiceRequest?_count=200");
  const groups = useOf<Group>(id, "RequestGroup?_count=100");
  const goals = useOf<Goal>(id, "Goal?_count=200");
  const again = useAgain(id);
  const [applies, setApplies] = useState(false);
  const orderers = ["physician", "integration"].includes(me.role);
  const set = useMutation({ mutationFn: ({ it, to }: { it: Resource; to: string }) => put({ ...it, status: to, ...(to === "active" && it.resourceType === "ServiceRequest" ? { intent: "order" } : {}) }), onSuccess: again });
  const of = <R extends Resource>(all: R[] | undefined, reference?: string) => all?.find((it) => `${it.resourceType}/${it.id}` === reference);
  const ordersOf = (plan: CarePlan): { action: Action; request?: Request }[] => {
    const walk = (action: Action): { action: Action; request?: Request }[] => [
      ...(action.resource ? [{ action, request: of(orders.data, action.resource.reference) }] : []), ...(action.action ?? []).flatMap(walk),
    ];
    return (plan.activity ?? []).flatMap((it) => {
      const reference = it.reference?.reference;
      const group = of(groups.data, reference);
      if (group) return (group.action ?? []).flatMap(walk);
      const request = of(orders.data, reference);
      return request ? [{ action: { title: words(request.code) }, request }] : [];
    });
  };
  if (plans.error) return <Failed error={plans.error} />;
  if (plans.isPending) return <Waiting />;
  return (
    <div className="stack">
      {orderers && <div className="row end"><Button variant="default" size="xs" onClick={() => setApplies(true)}>{say("applyPlan")}</Button></div>}
      {set.error && <Alert color="red" role="alert">{set.error.message}</Alert>}
      {plans.data.length === 0 && <div className="card empty">{say("noPlans")}</div>}
      {plans.data.map((plan) => (
        <Section key={plan.id} said title={plan.title ?? say("carePlan")} action={
          <div className="row">
            <Badge variant="default" tt="none">{say(`plan-${plan.status}` as Word) ?? plan.status}</Badge>
            {orderers && plan.status === "draft" && <Button size="xs" onClick={() => set.mutate({ it: plan, to: "active" })}>{say("takeUp")}</Button>}
            {orderers && plan.status === "draft" && <Button size="xs" variant="default" onClick={() => set.mutate({ it: plan, to: "revoked" })}>{say("reject")}</Button>}
          </div>
        }>
          <span className="quiet">{time(plan.created)}</span>
          {(plan.goal?.length ?? 0) > 0 && <><h3>{say("goals")}</h3><ul>{plan.goal?.map((it) => <li key={it.reference}>{words(of(goals.data, it.reference)?.description)}</li>)}</ul></>}
          {ordersOf(plan).length > 0 && <h3>{say("orders")}</h3>}
          {ordersOf(plan).map(({ action, request }, n) => (
            <div className="line" key={request?.id ?? n}>
              <span className="grow">{request ? words(request.code) : action.title}{action.condition && <div className="quiet">{say("undecided")}</div>}</span>
              <Badge variant="default" tt="none">{request ? (say(`plan-${request.status}` as Word) ?? request.status) : "—"}</Badge>
              {orderers && request?.status === "draft" && <Button size="compact-sm" variant="default" onClick={() => set.mutate({ it: request, to: "active" })}>{say("order")}</Button>}
            </div>
          ))}
          {plan.activity?.some((it) => it.detail) && <><h3>{say("care")}</h3><ul>{plan.activity.filter((it) => it.detail).map((it, n) => <li key={n}>{it.detail?.description}</li>)}</ul></>}
        </Section>
      ))}
      {applies && <Apply id={id} encounter={encounter} close={() => setApplies(false)} />}
    </div>
  );
}

/** Looks at what a plan comes to, and keeps it as drafts. */
function Apply({ id, encounter, close }: { id: string; encounter?: string; close: () => void }) {
  const { say } = useWords();
  const again = useAgain(id);
  const [plan, setPlan] = useState<string | null>(null);
  const plans = useQuery({ queryKey: ["plans"], queryFn: () => search<Resource & { title?: string }>("PlanDefinition?status=active&_count=200") });
  const made = useQuery({
    queryKey: ["of", id, "apply", plan, encounter], enabled: Boolean(plan),
    queryFn: () => get<CarePlan>(`/fhir/PlanDefinition/${plan}/$apply?subject=Patient/${id}${encounter ? `&encounter=Encounter/${encounter}` : ""}`),
  });
  const keep = useMutation({
    mutationFn: () => {
      // What is contained becomes a record of its own, in one transaction.
      const { contained = [], ...whole } = made.data as CarePlan;
      const urls = new Map(contained.map((it) => [`#${it.id}`, `urn:uuid:${crypto.randomUUID()}`]));
      const turned = <T,>(it: T): T => JSON.parse(JSON.stringify(it), (key, value) => (key === "reference" && typeof value === "string" ? (urls.get(value) ?? value) : value)) as T;
      const entry = [...contained, { ...whole, id: "" }].map((it) => {
        const { id: own, ...rest } = it;
        return { fullUrl: urls.get(`#${own}`) ?? `urn:uuid:${crypto.randomUUID()}`, resource: turned(rest), request: { method: "POST", url: it.resourceType } };
      });
      return call("POST", "/fhir", { resourceType: "Bundle", type: "transaction", entry });
    },
    onSuccess: async () => { await again(); close(); },
  });
  const drafts = made.data?.contained?.filter((it) => !["RequestGroup", "Goal"].includes(it.resourceType)) as Request[] | undefined;
  return (
    <Modal opened onClose={close} title={say("applyPlan")} size="lg" closeButtonProps={{ "aria-label": say("shut") }}>
      <div className="stack">
        <Select aria-label={say("carePlan")} placeholder={say("choosePlan")} searchable value={plan} onChange={setPlan} data-autofocus
          data={(plans.data ?? []).map((it) => ({ value: it.id, label: it.title ?? it.id }))} />
        {(plans.error ?? made.error ?? keep.error) && <Alert color="red" role="alert">{(plans.error ?? made.error ?? keep.error)?.message}</Alert>}
        {drafts && <div><h3>{say("orders")}</h3><ul>{drafts.map((it) => <li key={it.id}>{words(it.code)}</li>)}</ul></div>}
        {made.data && <div><h3>{say("care")}</h3><ul>{made.data.activity?.filter((it) => it.detail).map((it, n) => <li key={n}>{it.detail?.description}</li>)}</ul></div>}
        <div className="row end"><Button variant="default" onClick={close}>{say("stop")}</Button><Button disabled={!made.data} loading={keep.isPending} onClick={() => keep.mutate()}>{say("keepDraft")}</Button></div>
      </div>
    </Modal>
  );
}
