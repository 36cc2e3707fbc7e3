/** As much of an OpenAPI document as is looked at. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly example?: unknown;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Operation {
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** A number that a body may have. */
export interface NumericField {
  /** From the body to the field. */
  readonly place: readonly string[];
  readonly whole: boolean;
  readonly nullable: boolean;
  readonly least: number;
  readonly most: number;
}

/** A route that takes a body, as the server's own document describes it. */
export class PostRoute {
  private constructor(
    readonly path: string,
    private readonly operation: Operation,
    private readonly schemas: OpenApi['components']['schemas'],
  ) {}

  static all({ paths, components }: OpenApi): PostRoute[] {
    return Object.entries(paths).flatMap(([path, { post }]) =>
      post?.requestBody ? [new PostRoute(path, post, components.schemas)] : [],
    );
  }

  /** The smallest body that is right: the examples of what is required. */
  get body(): Readonly<Record<string, unknown>> {
    return this.exampleOf(this.requestSchema) as Record<string, unknown>;
  }

  get numbers(): NumericField[] {
    return this.numbersIn(this.requestSchema, []);
  }

  /** Names of members that an error answer must have: `error.message`, or `detail`. */
  errorMembers(status: number): string[] {
    const { responses } = this.operation;
    return this.membersOf(jsonOf(responses[status] ?? responses[500]), '');
  }

  private get requestSchema(): Schema {
    return this.resolve(jsonOf(this.operation.requestBody ?? {}));
  }

  private resolve(schema: Schema): Schema {
    if (schema.$ref) return this.resolve(this.schemas[schema.$ref.split('/').at(-1) as string]);
    const parts = schema.allOf?.map((part) => this.resolve(part)) ?? [];
    return Object.assign({}, ...parts, schema) as Schema;
  }

  private exampleOf(given: Schema): unknown {
    const schema = this.resolve(given);
    if (schema.example !== undefined && !schema.properties) return schema.example;
    const required = schema.required ?? [];
    return Object.fromEntries(required.map((name) => [name, this.exampleOf(schema.properties?.[name] ?? {})]));
  }

  private numbersIn(schema: Schema, place: readonly string[]): NumericField[] {
    return Object.entries(schema.properties ?? {}).flatMap(([name, given]) => {
      const property = this.resolve(given);
      const alternatives = [property, ...(property.anyOf ?? []), ...(property.oneOf ?? [])].map((one) =>
        this.resolve(one),
      );
      const numeric = alternatives.find((one) => typesOf(one).some((type) => type === 'integer' || type === 'number'));
      const inner = [...place, name];
      if (!numeric) return alternatives.flatMap((one) => this.numbersIn(one, inner));
      const { minimum, exclusiveMinimum, maximum } = numeric;
      return {
        place: inner,
        whole: typesOf(numeric).includes('integer'),
        nullable: alternatives.some((one) => one.nullable === true || typesOf(one).includes('null')),
        least: minimum ?? exclusiveMinimum ?? -Infinity,
        most: maximum ?? Infinity,
      };
    });
  }

  private membersOf(given: Schema, prefix: string): string[] {
    const schema = this.resolve(given);
    return (schema.required ?? []).flatMap((name) => {
      const inner = this.resolve(schema.properties?.[name] ?? {});
      return inner.required ? this.membersOf(inner, `${prefix}${name}.`) : [`${prefix}${name}`];
    });
  }
}

function typesOf({ type = [] }: Schema): readonly string[] {
  return [type].flat();
}

function jsonOf({ content = {} }: Content): Schema {
  return content['application/json'].schema;
}
