/** The guardrails' limits, in words and changed together; what widens one waits for a second person where two are needed. */
import { useState } from "react";

import { useChangeSettings } from "../../api/commands";
import { useSettings } from "../../api/queries";
import { Button, Panel } from "../../parts/basic";
import { Asked } from "../../parts/dialog";
import { Shown } from "../../parts/states";
import { useRefused } from "../../shell/may";
import { GROUPS, limitName, limitWords, UNITS } from "../../view/limit-words";
import { changesOf, limitText, type Limits as All } from "../../view/limits";

export function Limits() {
  const settings = useSettings();
  return (
    <Panel title="Limits">
      <Shown query={settings}>{({ value, tag }) => <Fields before={value.guardrails as All} tag={tag} />}</Shown>
    </Panel>
  );
}

/** The server's limits by group; what has no words yet comes last. */
function grouped(before: All): { title: string; names: string[] }[] {
  const groups = GROUPS.map(({ title, limits }) => ({ title, names: Object.keys(limits).filter((name) => name in before) }));
  const others = Object.keys(before).filter((name) => limitWords(name) === undefined);
  return [...groups, { title: "Others", names: others }].filter((group) => group.names.length > 0);
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
      {grouped(before).map((group) => (
        <fieldset key={group.title} className="limits">
          <legend>{group.title}</legend>
          {group.names.map((name) => (
            <Field
              key={name}
              name={name}
              value={typed[name] ?? limitText(name, before[name])}
              isReadOnly={refused !== null}
              isWrong={wrong.includes(name)}
              onChange={(text) => setTyped({ ...typed, [name]: text })}
            />
          ))}
        </fieldset>
      ))}
      {wrong.length > 0 && <p className="error">This can&apos;t be read: {wrong.map(limitName).join(", ")}</p>}
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
                  <dt>{limitName(name)}</dt>
                  <dd>
                    {limitText(name, before[name]) || "none"} → <b>{limitText(name, changed[name]) || "none"}</b>
                    {limitWords(name)?.kind.startsWith("share") === true && " %"}
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

type FieldProps = { name: string; value: string; isReadOnly: boolean; isWrong: boolean; onChange: (text: string) => void };

function Field({ name, value, isReadOnly, isWrong, onChange }: FieldProps) {
  const words = limitWords(name);
  const about = `${name}-about`;
  return (
    <div className="field limit">
      <label htmlFor={name}>{limitName(name)}</label>
      <span className="with-unit">
        <input id={name} value={value} readOnly={isReadOnly} aria-invalid={isWrong} aria-describedby={about} onChange={(e) => onChange(e.target.value)} />
        {words?.kind === "share" && <span aria-hidden="true">%</span>}
      </span>
      <span id={about} className="note">
        {words !== undefined && `${words.explains} ${UNITS[words.kind]} `}
        <code>{name}</code>
      </span>
    </div>
  );
}
