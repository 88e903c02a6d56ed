/** What the definition of a gate says of it. Of its sources, `step` is the payload that it shows. */
export interface GateTemplate {
  approvers: string[];
  required?: number;
  title?: string;
  text?: string;
  links?: { title?: string; url: string }[];
  /** JSON. */
  form?: string;
  options?: string[];
}
