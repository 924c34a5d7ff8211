import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Problem } from "./api/client";
import { App } from "./app";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";
import "./styles/pages.css";
import "./styles/learning.css";

// Dialogs hold the page behind them still by a style of their own, which the policy of this page lets pass by its nonce.
setNonce(document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "");

const isStranger = (error: unknown) => error instanceof Problem && error.status === 401;

const client = new QueryClient({
  // A page that was open when the first key was made, or whose key was revoked: who we are is asked again, and the answer is the sign-in.
  queryCache: new QueryCache({
    onError: (error, query) => {
      if (isStranger(error) && query.queryKey[0] !== "me") void client.invalidateQueries({ queryKey: ["me"] });
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      // What was refused or isn't there won't be there at the next try either.
      retry: (tries, error) => tries < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
