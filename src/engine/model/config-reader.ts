import { EngineError } from '../errors.js';
import { isJsonObject, isSize, type JsonObject } from './json.js';

/** Reads fields of config.json, so that each missing or wrong one ends in one line that names it. */
export class ConfigReader {
  constructor(
    private readonly values: JsonObject,
    private readonly label = 'config.json',
  ) {}

  has(name: string): boolean {
    return this.values[name] !== undefined && this.values[name] !== null;
  }

  /** A whole number above zero; none of what a model counts comes near the limit. */
  count(name: string, fallback?: number, most = 100_000_000): number {
    const value = this.values[name] ?? fallback;
    return isSize(value) && value > 0 && value <= most ? value : this.fail(name, `a whole number from 1 to ${most}`);
  }

  /** A whole number, zero or above. */
  size(name: string, fallback?: number): number {
    const value = this.values[name] ?? fallback;
    return isSize(value) ? value : this.fail(name, 'a whole number, 0 or above');
  }

  /** One whole number or a list of them, zero or above. */
  sizes(name: string): number[] {
    const value = this.values[name];
    const list = Array.isArray(value) ? (value as unknown[]) : [value];
    return list.every(isSize) ? list : this.fail(name, 'a whole number or a list of them');
  }

  /** A number from 0 to 1. */
  fraction(name: string, fallback?: number): number {
    const value = this.values[name] ?? fallback;
    return typeof value === 'number' && value >= 0 && value <= 1 ? value : this.fail(name, 'a number from 0 to 1');
  }

  /** A finite number above zero. */
  positive(name: string, fallback?: number): number {
    const value = this.values[name] ?? fallback;
    return Number.isFinite(value) && (value as number) > 0 ? (value as number) : this.fail(name, 'a number above 0');
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.values[name] ?? fallback;
    return typeof value === 'boolean' ? value : this.fail(name, 'true or false');
  }

  text(name: string, fallback?: string): string {
    const value = this.values[name] ?? fallback;
    return typeof value === 'string' ? value : this.fail(name, 'a string');
  }

  /** A list, or undefined when there is none. */
  list(name: string): unknown[] | undefined {
    const value = this.values[name] ?? undefined;
    return value === undefined || Array.isArray(value) ? value : this.fail(name, 'a list');
  }

  /** A reader of the object of that name, or undefined when there is none. */
  section(name: string): ConfigReader | undefined {
    const value = this.values[name] ?? undefined;
    if (value === undefined) return undefined;
    return isJsonObject(value) ? new ConfigReader(value, `${this.label}: ${name}`) : this.fail(name, 'an object');
  }

  /** Ends the load because the model uses something that the engine has no implementation for. */
  unsupported(what: string): never {
    throw new EngineError('model_unsupported', `${this.label}: ${what}`);
  }

  private fail(name: string, wanted: string): never {
    const value = this.values[name];
    const found = value === undefined ? 'is missing' : `is ${JSON.stringify(value).slice(0, 80)}`;
    throw new EngineError('model_invalid', `${this.label}: ${name} ${found}, but must be ${wanted}`);
  }
}
