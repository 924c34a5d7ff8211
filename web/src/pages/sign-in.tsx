/** A key, typed in. It stays in the memory of this page, is sent to this server alone, and is gone with a reload. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";

import { api, setKey, told } from "../api/client";
import { Button, Panel } from "../parts/basic";

const LOGIN = "/v1/session/login";

export function SignIn({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const [, go] = useLocation();
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = async () => {
    setKey(typed.trim());
    try {
      await told(api.GET("/v1/me"));
      setError(null);
      onDone();
      await client.resetQueries();
      if (location.pathname === "/sign-in") go("/health");
    } catch (cause) {
      setKey(null);
      setError(cause instanceof Error ? cause.message : String(cause));
    }
  };
  return (
    <div className="center">
      <title>Sign in · Pointsman</title>
      <Panel title="Sign in to Pointsman">
        <form
          className="list"
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <div className="field">
            <label htmlFor="key">API key</label>
            <input id="key" type="password" autoComplete="off" spellCheck={false} required value={typed} onChange={(e) => setTyped(e.target.value)} placeholder="pm_…" />
          </div>
          {error !== null && (
            <p className="error" role="alert">
              {error}
            </p>
          )}
          <div className="buttons">
            <Button kind="main" type="submit">
              Sign in
            </Button>
          </div>
        </form>
        <SingleSignOn />
        <p className="note">
          <code>pointsman keys create --role viewer</code> makes one. It is kept in this page&apos;s memory only.
        </p>
      </Panel>
    </div>
  );
}

/** Where an issuer is configured, its log-in begins with a redirect; elsewhere the server says that there is none. */
function SingleSignOn() {
  const known = useQuery({
    queryKey: ["login"],
    queryFn: async () => (await fetch(LOGIN, { redirect: "manual", credentials: "omit" })).type === "opaqueredirect",
    staleTime: Infinity,
    retry: false,
  });
  if (known.data !== true) return null;
  return (
    <p>
      <a className="button" href={`${LOGIN}?return_to=${encodeURIComponent(location.pathname === "/sign-in" ? "/health" : location.pathname + location.search)}`}>
        Sign in with your account
      </a>
    </p>
  );
}
