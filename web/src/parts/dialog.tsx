/** What is asked before something is done: the exact effect, a reason, and what the server said if it refused. */
import { Dialog as Radix } from "radix-ui";
import { useId, useState, type ReactNode } from "react";

import { Button } from "./basic";

/** A window over the page, or a sheet at its side. */
export function Window({
  title,
  open,
  onClose,
  children,
  isSheet = false,
}: {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
  isSheet?: boolean;
}) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="overlay" />
        <Radix.Content className={isSheet ? "sheet" : "window"} aria-describedby={undefined}>
          <header>
            <Radix.Title>{title}</Radix.Title>
            <Radix.Close asChild>
              <Button kind="quiet" aria-label="Close">
                ✕
              </Button>
            </Radix.Close>
          </header>
          <div className="content">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

type Confirmed = {
  /** On the button that opens it. */
  name: string;
  title: string;
  /** What will happen, exactly. */
  effect: ReactNode;
  /** On the button that does it. */
  does: string;
  kind?: "main" | "danger" | "plain";
  reason?: "needed" | "optional";
  /** Why it can't be done now, said on the button. */
  refused?: string | null;
  run: (reason: string) => Promise<unknown>;
};

export function Confirm({ name, title, effect, does, kind = "plain", reason, refused, run }: Confirmed) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        kind={kind}
        aria-disabled={refused != null}
        title={refused ?? undefined}
        onClick={() => {
          if (refused == null) setOpen(true);
        }}
      >
        {name}
      </Button>
      <Asked {...{ title, effect, does, kind, run, open }} {...(reason === undefined ? {} : { reason })} onClose={() => setOpen(false)} />
    </>
  );
}

export function Asked({
  title,
  effect,
  does,
  kind = "main",
  reason,
  run,
  open,
  onClose,
}: Omit<Confirmed, "name" | "refused"> & { open: boolean; onClose: () => void }) {
  return (
    <Window title={title} open={open} onClose={onClose}>
      {open && <Form {...{ effect, does, kind, run, onClose }} {...(reason === undefined ? {} : { reason })} />}
    </Window>
  );
}

function Form({
  effect,
  does,
  kind,
  reason,
  run,
  onClose,
}: Pick<Confirmed, "effect" | "does" | "reason" | "run"> & { kind: "main" | "danger" | "plain"; onClose: () => void }) {
  const [why, setWhy] = useState("");
  const [state, setState] = useState<{ busy: boolean; error: string | null }>({ busy: false, error: null });
  const id = useId();
  const isShort = reason === "needed" && why.trim() === "";
  const submit = async () => {
    setState({ busy: true, error: null });
    try {
      await run(why.trim());
      onClose();
    } catch (error) {
      setState({ busy: false, error: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!isShort && !state.busy) void submit();
      }}
    >
      <div className="effect">{effect}</div>
      {reason !== undefined && (
        <div className="field">
          <label htmlFor={id}>Reason{reason === "optional" && " (may be left out)"}</label>
          <textarea id={id} rows={2} maxLength={500} value={why} required={reason === "needed"} onChange={(e) => setWhy(e.target.value)} />
        </div>
      )}
      {state.error !== null && (
        <p className="error" role="alert">
          {state.error}
        </p>
      )}
      <div className="buttons">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind={kind === "plain" ? "main" : kind} type="submit" disabled={isShort || state.busy}>
          {state.busy ? "Working…" : does}
        </Button>
      </div>
    </form>
  );
}
