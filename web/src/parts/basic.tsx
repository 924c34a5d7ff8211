/** The small pieces that every page is made of. */
import { useEffect, type ComponentProps, type ReactNode } from "react";
import { Link } from "wouter";

import type { Slice } from "../api/types";
import { bothZones, localMoment, NONE, span } from "../view/format";
import { useNow, useWallNow } from "../view/now";
import { saying } from "../view/saying";
import { dimensionName, inWords, valueName } from "../view/slice";
import { stateName, tone, type Tone } from "../view/words";

type Kind = "plain" | "main" | "danger" | "quiet";

export function Button({ kind = "plain", className, ...rest }: ComponentProps<"button"> & { kind?: Kind }) {
  return <button type="button" {...rest} className={`button ${kind} ${className ?? ""}`} />;
}

const SIGNS: Record<Tone, string> = { bad: "●", warn: "▲", good: "✓", info: "▶", quiet: "○" };

/** A state by sign, word and colour; `looks` where the word isn't one of the interface's. */
export function Badge({ state, children, looks = tone(state) }: { state: string; children?: ReactNode; looks?: Tone }) {
  return (
    <span className={`badge ${looks}`}>
      <span aria-hidden="true">{SIGNS[looks]}</span> {children ?? stateName(state)}
    </span>
  );
}

export function Panel({
  title,
  tools,
  children,
  className,
}: {
  title: string;
  tools?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={`panel ${className ?? ""}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {tools !== undefined && <div className="tools">{tools}</div>}
      </header>
      <div className="body">{children}</div>
    </section>
  );
}

export function Page({ title, lead, tools, children }: { title: string; lead?: ReactNode; tools?: ReactNode; children: ReactNode }) {
  useEffect(() => saying(title), [title]);
  return (
    <>
      <title>{`${title} · Pointsman`}</title>
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          {lead !== undefined && <p className="lead">{lead}</p>}
        </div>
        {tools !== undefined && <div className="tools">{tools}</div>}
      </header>
      {children}
    </>
  );
}

/** One number that counts. */
export function Figure({ label, value, note, looks }: { label: string; value: ReactNode; note?: ReactNode; looks?: Tone }) {
  return (
    <div className={`figure ${looks ?? ""}`}>
      <dt>{label}</dt>
      <dd>
        <strong>{value}</strong>
        {note !== undefined && <span className="note">{note}</span>}
      </dd>
    </div>
  );
}

export const Figures = ({ children }: { children: ReactNode }) => <dl className="figures">{children}</dl>;

/** A moment in the reader's zone, with both zones to be read on it. */
export function At({ time }: { time: string | null | undefined }) {
  const now = useNow();
  if (time === null || time === undefined) return <>{NONE}</>;
  const at = Date.parse(time);
  return (
    <time dateTime={time} title={bothZones(at)}>
      {localMoment(at, now)}
    </time>
  );
}

/** How long until then, or since; `isWall` where that is dated by clocks on walls. */
export function Left({ until, isWall = false }: { until: string; isWall?: boolean }) {
  const [now, wall] = [useNow(), useWallNow()];
  const ms = Date.parse(until) - (isWall ? wall : now);
  return (
    <time dateTime={until} title={bothZones(Date.parse(until))}>
      {ms > 0 ? `in ${span(ms)}` : `${span(-ms)} ago`}
    </time>
  );
}

/** A slice, part by part. */
export function SliceChips({ slice }: { slice: Slice }) {
  const parts = Object.entries(slice);
  if (parts.length === 0) return <span className="chip">all traffic</span>;
  return (
    <span className="chips" role="group" aria-label={inWords(slice)}>
      {parts.map(([name, value]) => (
        <span className="chip" key={name}>
          <span className="name">{dimensionName(name)}</span> {valueName(value)}
        </span>
      ))}
    </span>
  );
}

export function To({ href, children, className }: { href: string; children: ReactNode; className?: string }) {
  return (
    <Link href={href} className={className ?? ""}>
      {children}
    </Link>
  );
}
