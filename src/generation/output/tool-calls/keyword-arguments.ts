import type { JsonSchema, StructuralTagFormat } from '../../../inference/inference-provider.js';
import type { FunctionTool } from '../../chat/chat-request.js';

type Parameters = NonNullable<FunctionTool['parameters']>;

/**
 * Arguments as Python's keywords with values in JSON, which the parser reads as well: those that are required, in the
 * order of the schema, then others.
 */
export function keywordArguments(parameters: Parameters = {}): StructuralTagFormat {
  const properties = Object.entries((parameters.properties ?? {}) as Record<string, JsonSchema>);
  const required = new Set((parameters.required ?? []) as string[]);
  const write = ([name, schema]: readonly [string, JsonSchema]): StructuralTagFormat => ({
    type: 'sequence',
    elements: [text(`${name}=`), { type: 'json_schema', json_schema: withDefinitions(schema, parameters) }],
  });
  const first = properties.filter(([name]) => required.has(name)).map(write);
  const others = properties.filter(([name]) => !required.has(name)).map(write);
  const rest = others.reduceRight<StructuralTagFormat>((tail, one, index) => {
    const begins = first.length === 0 && index === 0;
    return maybe(join(begins ? [one, tail] : [text(', '), one, tail]));
  }, text(''));
  return join([...first.flatMap((one, index) => (index === 0 ? [one] : [text(', '), one])), rest]);
}

/** What a schema refers to stands beside the properties. */
function withDefinitions(schema: JsonSchema, { $defs, definitions }: Parameters): JsonSchema {
  if (typeof schema === 'boolean') return schema;
  return { ...schema, ...($defs !== undefined && { $defs }), ...(definitions !== undefined && { definitions }) };
}

function text(value: string): StructuralTagFormat {
  return { type: 'const_string', value };
}

function join(elements: readonly StructuralTagFormat[]): StructuralTagFormat {
  return { type: 'sequence', elements };
}

function maybe(format: StructuralTagFormat): StructuralTagFormat {
  return { type: 'or', elements: [text(''), format] };
}
