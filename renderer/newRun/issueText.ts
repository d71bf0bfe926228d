/** What is wrong with a value, in words that say what would be right. Texts of the schema's checks. */
import type { z } from 'zod';
import type { FieldInfo } from '../../main/contract/field.ts';

type Issue = z.core.$ZodIssue;
const kinds: Partial<Record<FieldInfo['kind'], string>> = { number: 'A number is needed.', integer: 'A whole number is needed.', boolean: 'On or off is needed.', text: 'A text is needed.', texts: 'A list of texts is needed.', numbers: 'Whole numbers are needed, separated by commas.' };

export function issueText(issue: Issue, field: FieldInfo | undefined): string {
  switch (issue.code) {
    case 'invalid_type': return (field && kinds[field.kind]) ?? 'Another kind of value is needed.';
    case 'too_small': return issue.origin === 'array' ? `At least ${issue.minimum} are needed.` : `The smallest possible value is ${issue.minimum}.`;
    case 'too_big': return issue.origin === 'array' ? `At most ${issue.maximum} are possible.` : issue.origin === 'string' ? `At most ${issue.maximum} characters.` : `The largest possible value is ${issue.maximum}.`;
    case 'not_multiple_of': return `A multiple of ${issue.divisor} is needed.`;
    case 'invalid_value': return `One of these is needed: ${issue.values.map(String).join(', ')}.`;
    case 'unrecognized_keys': return `There is no setting called ${issue.keys.join(', ')}.`;
    default: return issue.message;
  }
}
