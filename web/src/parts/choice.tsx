/** One of a few, in the address. */
import { ToggleGroup } from "radix-ui";

export function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: { value: string; name: string }[];
  onChange: (value: string) => void;
}) {
  return (
    <ToggleGroup.Root type="single" className="choice" aria-label={label} value={value} onValueChange={(next) => next !== "" && onChange(next)}>
      {options.map((option) => (
        <ToggleGroup.Item key={option.value} value={option.value}>
          {option.name}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}

export function Select({
  label,
  value,
  options,
  onChange,
  name,
}: {
  label: string;
  value: string;
  options: { value: string; name: string }[];
  onChange: (value: string) => void;
  /** For those who hear it, where no label is seen. */
  name?: string;
}) {
  return (
    <label className="select">
      <span>{label}</span>
      <select aria-label={name} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.name}
          </option>
        ))}
      </select>
    </label>
  );
}
