/** The guardrails' limits, changed together; what widens one waits for a second person where two are needed. */
import { useState } from "react";

import { useChangeSettings } from "../../api/commands";
import { useSettings } from "../../api/queries";
import { Button, Panel } from "../../parts/basic";
import { Asked } from "../../parts/dialog";
import { Shown } from "../../parts/states";
import { useRefused } from "../../shell/may";
import { span } from "../../view/format";
import { changesOf, limitText, type Limits as All } from "../../view/limits";

export function Limits() {
  const settings = useSettings();
  return (
    <Panel title="Limits">
      <Shown query={settings}>{({ value, tag }) => <Fields before={value.guardrails as All} tag={tag} />}</Shown>
    </Panel>
  );
}

function Fields({ before, tag }: { before: All; tag: string }) {
  const change = useChangeSettings();
  const refused = useRefused("admin");
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [isAsked, setAsked] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const { changed, wrong } = changesOf(before, typed);
  const names = Object.keys(changed);
  return (
    <form
      className="list"
      onSubmit={(event) => {
        event.preventDefault();
        setAsked(names.length > 0 && wrong.length === 0);
      }}
    >
      {refused !== null && <p className="note">{refused}</p>}
      <div className="form-grid">
        {Object.entries(before).map(([name, limit]) => (
          <label key={name} className="field limit">
            <span className="note">
              {name.replace(/_ms(_|$)/, "$1").replaceAll("_", " ")}
              {name.includes("_ms") && typeof limit === "number" && ` (ms; ${span(limit)})`}
            </span>
            <input value={typed[name] ?? limitText(limit)} readOnly={refused !== null} aria-invalid={wrong.includes(name)} onChange={(e) => setTyped({ ...typed, [name]: e.target.value })} />
          </label>
        ))}
      </div>
      {wrong.length > 0 && <p className="error">Not of the kind that is wanted: {wrong.join(", ").replaceAll("_", " ")}</p>}
      {refused === null && (
        <div className="tools">
          <Button type="submit" kind="main" disabled={names.length === 0 || wrong.length > 0}>
            Change limits…
          </Button>
          <Button disabled={Object.keys(typed).length === 0} onClick={() => setTyped({})}>
            As they are
          </Button>
          <span className="note" role="status">
            {said}
          </span>
        </div>
      )}
      <Asked
        title="Change limits"
        effect={
          <>
            <dl className="pairs">
              {names.map((name) => (
                <div key={name} style={{ display: "contents" }}>
                  <dt>{name.replaceAll("_", " ")}</dt>
                  <dd>
                    {limitText(before[name])} → <b>{limitText(changed[name])}</b>
                  </dd>
                </div>
              ))}
            </dl>
            <p className="note">In force at once if it narrows; what widens waits for a second person, where two are needed. It is written to the audit log.</p>
          </>
        }
        does="Change"
        run={async () => {
          const told = await change.mutateAsync({ tag, guardrails: changed });
          setSaid("widens" in (told as object) ? "Asked for; another person has to agree" : "Changed");
          setTyped({});
        }}
        open={isAsked}
        onClose={() => setAsked(false)}
      />
    </form>
  );
}
