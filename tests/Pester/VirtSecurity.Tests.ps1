#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }
# Acceptance in a full pwsh, where the whole of PowerShell is there. Nothing here changes a host: what is run is refused, or has -WhatIf.
# The examples of the README need a host: VIRTSECURITY_TEST_HOST names it, as -VirtHost takes it.

BeforeDiscovery {
    $root = Split-Path (Split-Path $PSScriptRoot)
    $cmdlets = (Import-PowerShellDataFile (Join-Path $root 'VirtSecurity.psd1')).CmdletsToExport
    $readme = Join-Path $root 'README.md'
    $examples = if (Test-Path $readme) {
        [regex]::Matches((Get-Content $readme -Raw), '(?ms)^```powershell\r?\n(.*?)^```') | ForEach-Object { @{ Code = $_.Groups[1].Value } }
    }
}

BeforeAll {
    $root = Split-Path (Split-Path $PSScriptRoot)
    Import-Module (Join-Path $root 'VirtSecurity.psd1') -Force
}

Describe 'The module' {
    It 'exports what its manifest says' {
        $manifest = Import-PowerShellDataFile (Join-Path $root 'VirtSecurity.psd1')
        (Get-Command -Module VirtSecurity).Name | Sort-Object | Should -Be ($manifest.CmdletsToExport | Sort-Object)
    }

    It 'is a valid manifest' {
        { Test-ModuleManifest (Join-Path $root 'VirtSecurity.psd1') } | Should -Not -Throw
    }

    It 'keeps its cmdlets when it is imported again' {
        Import-Module (Join-Path $root 'VirtSecurity.psd1') -Force
        Import-Module (Join-Path $root 'VirtSecurity.psd1') -Force
        Get-Command -Module VirtSecurity | Should -Not -BeNullOrEmpty
    }
}

Describe '<_>' -ForEach $cmdlets {
    It 'has help with examples' {
        $help = Get-Help $_ -Full
        $help.Synopsis | Should -Not -BeLike "*$_ *-*"
        $help.description.Text | Should -Not -BeNullOrEmpty
        @($help.examples.example).Count | Should -BeGreaterOrEqual 2
    }

    It 'describes every parameter' {
        $common = [System.Management.Automation.PSCmdlet]::CommonParameters
        foreach ($name in (Get-Command $_).Parameters.Keys | Where-Object { $_ -notin $common }) {
            (Get-Help $_ -Parameter $name).description.Text | Should -Not -BeNullOrEmpty -Because "-$name is one of its parameters"
        }
    }

    It 'uses an approved verb' {
        (Get-Verb).Verb | Should -Contain ($_ -split '-')[0]
    }
}

Describe 'What is refused before a host is asked' {
    It '<Id>' -ForEach @(
        @{ Id = 'RefusedPath'; Code = { New-SecureGuestVolume vg0 v 1GB /etc/images -WhatIf } }
        @{ Id = 'InvalidPath'; Code = { New-SecureGuestVolume vg0 v 1GB images -WhatIf } }
        @{ Id = 'InvalidName'; Code = { New-SecureGuestVolume vg0 'a b' 1GB /virtstorage -WhatIf } }
        @{ Id = 'InvalidMountOption'; Code = { New-SecureGuestVolume vg0 v 1GB /virtstorage -MountOption noexce -WhatIf } }
        @{ Id = 'FileSystemTooSmall'; Code = { New-SecureGuestVolume vg0 v 300MB /virtstorage -FileSystem Xfs -WhatIf } }
        @{ Id = 'RefusedPath'; Code = { Set-VirtImageContext /usr -WhatIf } }
        @{ Id = 'ParameterArgumentTransformationError'; Code = { New-SecureGuestVolume vg0 v much /virtstorage -WhatIf } }
        @{ Id = 'ParameterArgumentTransformationError'; Code = { Connect-VirtHost 'no host' } }
    ) {
        $problem = try { $ErrorActionPreference = 'Stop'; & $Code } catch { $_ }
        $problem.FullyQualifiedErrorId | Should -BeLike "$Id,VirtSecurity.Commands.*"
    }

    It 'refuses a row of a CSV alone' {
        $rows = "VolumeGroup,Name,Size,MountPoint`nvg0,one,1GB,/etc`nvg0,two,much,/two" | ConvertFrom-Csv
        $rows | New-SecureGuestVolume -WhatIf -ErrorVariable problems -ErrorAction SilentlyContinue
        $problems.FullyQualifiedErrorId | Should -HaveCount 2
    }
}

Describe 'The README' -Skip:(-not $env:VIRTSECURITY_TEST_HOST) {
    BeforeAll {
        $PSDefaultParameterValues['*-SecureGuestVolume:WhatIf'] = $true
        $PSDefaultParameterValues['*-VirtImageContext:WhatIf'] = $true
        $PSDefaultParameterValues['*-SecureGuestVolume:VirtHost'] = $env:VIRTSECURITY_TEST_HOST
        $PSDefaultParameterValues['*-VirtImageContext:VirtHost'] = $env:VIRTSECURITY_TEST_HOST
    }

    AfterAll {
        $PSDefaultParameterValues.Clear()
    }

    It 'runs as it is written: <Code>' -ForEach $examples {
        $ErrorActionPreference = 'Stop'
        { & ([scriptblock]::Create($Code)) } | Should -Not -Throw
    }
}
