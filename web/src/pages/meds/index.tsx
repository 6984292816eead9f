// The pages of medication: loaded when the first of them is opened.
import type { Me } from "../../app";
import { Dispense } from "./dispense";
import { Due } from "./due";
import { OrderEntry } from "./entry";
import { Recall } from "./recall";
import { Reconcile } from "./reconcile";
import { MedsSheet } from "./sheet";
import { Stock } from "./stock";
import { Verify } from "./verify";

export default function Meds({ here, id, me }: { here: string; id?: string; me: Me }) {
  switch (here) {
    case "order": return id ? <OrderEntry id={id} me={me} key={id} /> : null;
    case "reconcile": return id ? <Reconcile id={id} me={me} key={id} /> : null;
    case "due": return <Due />;
    case "verify": return <Verify />;
    case "dispense": return <Dispense />;
    case "stock": return <Stock />;
    case "recall": return <Recall />;
    default: return <MedsSheet id={id} me={me} key={id} />;
  }
}
