#!/usr/bin/env pwsh
<#
.SYNOPSIS
Builds, tests, installs or packages VirtSecurity. All it does is call dotnet and copy files.

.PARAMETER Task
Build lays out an importable module in the checkout: VirtSecurity.psd1 and bin/.
Test runs dotnet test, and then Pester's acceptance tests where Pester 5 is installed.
Install copies the module into the user's module path.
Package writes out/VirtSecurity/<version>, a folder that can be copied into any module path or published as it is.

.PARAMETER Configuration
Release or Debug.

.EXAMPLE
./build.ps1 -Task Build, Test
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Test', 'Install', 'Package')]
    [string[]] $Task = 'Build',

    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$manifest = Join-Path $PSScriptRoot 'VirtSecurity.psd1'
$shipped = 'VirtSecurity.psd1', 'bin', 'en-US', 'LICENSE', 'README.md', 'CHANGELOG.md'

function Invoke-DotNet {
    & dotnet @args
    if ($LASTEXITCODE -ne 0) { throw "dotnet $($args[0]) ended with exit code $LASTEXITCODE." }
}

function Invoke-Build {
    Invoke-DotNet build (Join-Path $PSScriptRoot 'src/VirtSecurity') --configuration $Configuration
}

function Invoke-Test {
    Invoke-DotNet test --project (Join-Path $PSScriptRoot 'tests/VirtSecurity.Tests') --configuration $Configuration

    $pester = Get-Module -ListAvailable Pester | Where-Object Version -ge '5.0' | Select-Object -First 1
    if (-not $pester) {
        Write-Warning 'The Pester acceptance tests were NOT run: Pester 5 is not installed (Install-PSResource Pester).'
        return
    }

    Import-Module $pester
    $result = Invoke-Pester -Path (Join-Path $PSScriptRoot 'tests/Pester') -Output Detailed -PassThru
    if ($result.FailedCount -gt 0 -or $result.TotalCount -eq 0) { throw "$($result.FailedCount) of $($result.TotalCount) Pester tests failed." }
}

function Copy-Module([string] $Parent) {
    $target = Join-Path $Parent (Import-PowerShellDataFile $manifest).ModuleVersion
    if (Test-Path $target) { Remove-Item $target -Recurse -Force }
    $null = New-Item $target -ItemType Directory -Force
    foreach ($item in $shipped) {
        $source = Join-Path $PSScriptRoot $item
        if (Test-Path $source) { Copy-Item $source $target -Recurse }
    }

    $null = Test-ModuleManifest (Join-Path $target 'VirtSecurity.psd1')
    Get-Item $target
}

function Invoke-Install {
    Invoke-Build
    Copy-Module (Join-Path (($env:PSModulePath -split [IO.Path]::PathSeparator)[0]) 'VirtSecurity')
}

function Invoke-Package {
    Invoke-Build
    Copy-Module (Join-Path $PSScriptRoot 'out/VirtSecurity')
}

foreach ($name in $Task) { & "Invoke-$name" }
