import { Controller, Get, UseFilters, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { Public } from '../access/public.decorator.js';
import { ErrorBody } from '../common/fastapi/validation-fault.js';
import { ModelReadyGuard } from '../generation/model-ready.guard.js';
import { ApiRunning } from './dto/api-running.dto.js';
import { HealthExceptionFilter } from './health-exception.filter.js';
import { ModelHealthIndicator } from './model.health-indicator.js';

@ApiTags('health')
@Controller('health')
@UseFilters(HealthExceptionFilter)
export class HealthController {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly model: ModelHealthIndicator,
  ) {}

  @Get()
  @Public()
  @UseGuards(ModelReadyGuard)
  @ApiOperation({ summary: 'Whether requests can be answered', description: 'In the shape of the seed.' })
  @ApiOkResponse({ description: 'The model is loaded', type: ApiRunning })
  @ApiServiceUnavailableResponse({ description: 'The model is not loaded', type: ErrorBody })
  health(): ApiRunning {
    return { message: 'API is running.' };
  }

  @Get('startup')
  @Public()
  @HealthCheck()
  @ApiOperation({ summary: 'Whether the start is over', description: 'For a startup probe: the model is loaded.' })
  startup(): Promise<HealthCheckResult> {
    return this.checks.check([() => this.model.isLoaded()]);
  }

  @Get('live')
  @Public()
  @HealthCheck()
  @ApiOperation({
    summary: 'Whether the process works',
    description:
      'For a liveness probe: also up while a model loads. Down when there is work and none of it has got on for too long.',
  })
  live(): Promise<HealthCheckResult> {
    return this.checks.check([() => this.model.isMoving()]);
  }

  @Get('ready')
  @Public()
  @HealthCheck()
  @ApiOperation({
    summary: 'Whether requests are let in',
    description:
      'For a readiness probe: the model is loaded and has generated a token, and the server is not about to end.',
  })
  ready(): Promise<HealthCheckResult> {
    return this.checks.check([() => this.model.isReady()]);
  }
}
