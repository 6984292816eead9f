// A message as a person reads it: what the server made of its bytes.
import { useId } from "react";

import { useWords } from "../../words";
import { type Part, type Problem, type Segment, type Tree, lines } from "./types";

/** Segments beyond these are closed until somebody opens them. */
const OPEN = 12;

export function Parsed({ tree, fallback }: { tree: Tree | null; fallback: string }) {
  const { say } = useWords();
  const own = useId();
  if (!tree) {
    return <div className="stack tight"><p className="quiet no-margin">{say("notParsed")}</p><pre className="raw" tabIndex={0}>{lines(fallback)}</pre></div>;
  }
  return (
    <div className="stack tight">
      {tree.problems.length > 0 && (
        <ul className="attention" aria-label={say("problemsOf")}>
          {tree.problems.map((it, n) => (
            <li key={n} data-severity={it.severity}>
              <Told problem={it} /> {it.placed
                ? <button type="button" className="link" aria-label={`${say("problemIn")} ${it.at}`} onClick={() => document.getElementById(`${own}-${n}`)?.scrollIntoView({ block: "center" })}>{it.at}</button>
                : <b>{it.at}</b>}
            </li>
          ))}
        </ul>
      )}
      <div className="segments">
        {tree.segments.map((it, n) => <SegmentOf key={it.line} segment={it} tree={tree} own={own} open={n < OPEN || hasProblem(it)} />)}
      </div>
      {tree.left > 0 && <p className="quiet no-margin">{tree.left} {say("segmentsCut")}</p>}
    </div>
  );
}

const hasProblem = (segment: Segment): boolean => JSON.stringify(segment).includes('"problems"');

function SegmentOf({ segment, tree, own, open }: { segment: Segment; tree: Tree; own: string; open: boolean }) {
  return (
    <details className="segment" open={open} data-segment={segment.at}>
      <summary data-said><b>{segment.id || "?"}</b> {segment.name}</summary>
      <Here problems={segment.problems} tree={tree} own={own} />
      {segment.raw !== undefined && <pre className="raw" tabIndex={0}>{segment.raw}</pre>}
      <dl className="fields">
        {segment.fields.map((field) => (
          <div key={field.n} data-at={field.at} className={field.problems ? "wrong" : undefined}>
            <dt data-said><span className="at">{segment.id}-{field.n}</span> {field.name}</dt>
            <dd>
              <Here problems={field.problems} tree={tree} own={own} />
              {field.values.map((it) => <Value key={it.n} part={it} tree={tree} own={own} mark={field.values.length > 1 ? `${it.n}.` : undefined} />)}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

/** A value, or the table of its parts. */
function Value({ part, tree, own, mark }: { part: Part; tree: Tree; own: string; mark?: string }) {
  const { say } = useWords();
  // The one part that says what the whole is.
  const [first] = part.parts ?? [];
  const lone = part.parts?.length === 1 && first?.n === 1 && !first.problems && first.length === undefined ? first.text : undefined;
  return (
    <div className={part.problems ? "wrong" : undefined}>
      <Here problems={part.problems} tree={tree} own={own} />
      {mark && <span className="at">{mark}</span>}
      {part.deleted && <span title={say("deletedHint")} className="tag">{say("isDeleted")}</span>}
      {part.text !== undefined && <span className="text" data-said>{part.text}{part.length !== undefined && <span className="quiet">… {part.length} {say("cutShort")}</span>}</span>}
      {lone && <span className="text" data-said>{lone}</span>}
      {part.parts && !lone && (
        <dl className="parts">
          {part.parts.map((it) => (
            <div key={it.n} data-at={it.at}>
              <dt data-said><span className="at">.{it.n}</span> {it.name}</dt>
              <dd><Value part={it} tree={tree} own={own} /></dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

/** What is wrong at this very place. */
function Here({ problems, tree, own }: { problems?: number[]; tree: Tree; own: string }) {
  if (!problems) return null;
  return (
    <>
      {problems.map((n) => {
        const problem = tree.problems[n];
        return problem && <div key={n} id={`${own}-${n}`} className="problem" data-severity={problem.severity}><Told problem={problem} /></div>;
      })}
    </>
  );
}

function Told({ problem }: { problem: Problem }) {
  const { word } = useWords();
  return <span><b>{word("severity", problem.severity)}</b>: {word("problem", problem.kind)}</span>;
}
