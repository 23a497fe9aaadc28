@{
    RootModule           = 'bin/VirtSecurity.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = 'b3f8a1de-54c7-4b6a-9d0e-6f2c7a1e8d43'
    Author               = 'The VirtSecurity authors'
    CompanyName          = 'VirtSecurity'
    Copyright            = '(c) The VirtSecurity authors. MIT licence.'
    Description          = 'Secure guest storage and SELinux image labels on KVM and Xen hosts: logical volume, file system, mount, file context, relabel and proof as one cmdlet, on this machine or over ssh.'
    PowerShellVersion    = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess     = @('bin/VirtSecurity.Format.ps1xml')
    TypesToProcess       = @('bin/VirtSecurity.Types.ps1xml')
    CmdletsToExport      = @(
        'Compare-Dom0Hardening'
        'Connect-VirtHost'
        'Export-Dom0HardeningReport'
        'Export-VirtDeploymentPlan'
        'Get-Dom0Fact'
        'Get-Dom0HardeningRule'
        'Get-SecureGuestVolume'
        'Get-VirtChange'
        'Get-VirtImage'
        'Get-VirtImageContext'
        'Get-VirtImageContextRule'
        'Import-VirtDeploymentPlan'
        'Move-VirtImage'
        'New-SecureGuestVolume'
        'New-VirtDeploymentPlan'
        'Remove-SecureGuestVolume'
        'Remove-VirtImageContext'
        'Repair-SecureGuestVolume'
        'Resize-SecureGuestVolume'
        'Resume-VirtChange'
        'Set-VirtImageContext'
        'Test-Dom0Hardening'
        'Test-VirtDeploymentPlan'
        'Test-VirtImageContext'
        'Undo-VirtChange'
    )
    FunctionsToExport    = @()
    AliasesToExport      = @()
    VariablesToExport    = @()
    PrivateData          = @{
        PSData = @{
            Tags         = @('Linux', 'SELinux', 'LVM', 'KVM', 'Xen', 'libvirt', 'Security', 'PSEdition_Core')
            ReleaseNotes = 'See CHANGELOG.md.'
        }
    }
}
