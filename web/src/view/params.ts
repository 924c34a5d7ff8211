/** What is shown is in the address, all of it: a link shows a colleague the same. */
import { useCallback } from "react";
import { useSearchParams } from "wouter";

/** A value of the address and how to change it; the default isn't written. */
export function useParam(name: string, otherwise = ""): [string, (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (value: string) => {
      setParams(
        (before) => {
          const after = new URLSearchParams(before);
          if (value === otherwise) after.delete(name);
          else after.set(name, value);
          return after;
        },
        { replace: name !== "slice" },
      );
    },
    [name, otherwise, setParams],
  );
  return [params.get(name) ?? otherwise, set];
}
