/** What stands where data will be: while it comes, when there is none, when it failed. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { Problem } from "../api/client";
import { Button } from "./basic";

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state">
      <p className="title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div className="state loading" role="status">
      <span className="visually-hidden">Loading</span>
      {Array.from({ length: rows }, (_, i) => (
        <span className="bone" key={i} aria-hidden="true" />
      ))}
    </div>
  );
}

export function Failed({ error, again }: { error: unknown; again?: () => void }) {
  const problem = error instanceof Problem ? error : null;
  return (
    <div className="state failed" role="alert">
      <p className="title">{problem?.status === 403 ? "Not yours to see" : "This couldn't be read"}</p>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {problem?.requestId != null && <p className="note">Request {problem.requestId}</p>}
      {again !== undefined && <Button onClick={again}>Try again</Button>}
    </div>
  );
}

/** The data once they are there. What was read before stays while it can't be read again: the banner says that. */
export function Shown<T>({
  query,
  rows,
  children,
}: {
  query: UseQueryResult<T>;
  rows?: number;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) return <Failed error={query.error} again={() => void query.refetch()} />;
  return <Loading rows={rows ?? 3} />;
}
